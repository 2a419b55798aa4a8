#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace conf {

// Which access points an image family is for: conf/families.yaml, as it was when the program was built. A
// plain value.
struct Family {
  std::string name;                 // "ap1g7"
  std::vector<std::string> models;  // "C9115", "C9120"
  std::vector<std::string> unconfirmed;

  std::string text() const;  // "C9130, C9124 (unconfirmed)"
};

// Throws ConfigError for a text that is no such table.
std::vector<Family> parse_families(std::string_view text, const std::string& name);
std::vector<Family> families();

// Those whose images `model` takes, as a label or a controller has it: "AIR-AP2802I-E-K9", "c9120axi". A
// model that the table has by its own number is not taken for one of its series: 1815 is none of 1810.
std::vector<Family> families_for(std::string_view model);

}  // namespace conf
