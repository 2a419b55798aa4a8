#pragma once
#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace conf {

// For whom settings are printed.
enum class Form { yaml, json };

// Writes keys and values in the order in which they come, as YAML for people or as JSON for programs.
class Printer {
 public:
  explicit Printer(Form form);

  void open(std::string_view key);
  void close();
  void open_list(std::string_view key);
  void open_item();  // an entry of the list, which close() ends
  void close_list();

  void text(std::string_view key, std::string_view value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  // Keys of the administrator's own, with their values.
  void mapping(std::string_view key, const std::vector<std::pair<std::string, std::string>>& pairs);
  void number(std::string_view key, std::uint64_t value);
  void size(std::string_view key, std::uint64_t bytes);  // "16GiB" for people
  void flag(std::string_view key, bool value);
  void nothing(std::string_view key);

  // The whole, with a newline. The printer is spent.
  std::string take();

 private:
  YAML::Emitter& begin(std::string_view key);

  Form form_;
  YAML::Emitter out_;
};

}  // namespace conf
