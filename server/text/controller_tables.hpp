#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// An access point, as its controller's tables have it. All texts are the controller's: hostile.
struct ListedDevice {
  std::string name;
  std::optional<std::string> model, address, image;  // "9130AXI", "10.6.33.106", "ap1g6a"
  std::optional<std::string> running, backup;        // the versions of its two images: "17.9.4.27"
  std::optional<std::string> predownload;            // "Complete", "Failed", "None"
  std::optional<std::string> site, kind;             // "dock"; "access point"
};
// What a text told, and which of its lines nobody understood.
struct ListedDevices {
  static constexpr std::size_t most_unknown = 100;
  std::vector<ListedDevice> devices;  // in the order in which they were met
  std::vector<std::string> unknown;   // the first ones, whole
  std::size_t unknown_lines = 0;      // all
};

// What somebody pasted of `show ap summary`, `show ap image` and `show ap tag summary` (IOS XE of EWC and
// 9800, of any version), or of the EWC's page, one table after the other, with anything between them. An
// access point that stands in several tables is one. At most 20,000 (a 9800-80 has 6,000). Headings, rules,
// sums, prompts and commands are understood to say nothing. Pure; any thread.
ListedDevices read_controller_tables(std::string_view text);
// The same of a list whose first line names its columns, comma or semicolon between them: name, address,
// model, site, kind; others are left out. A row without a name has its address for one. Without such a first
// line every line is unknown.
ListedDevices read_device_list(std::string_view text);

}  // namespace server
