#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// What follows a path's "?", taken apart: "client=192.0.2.7&limit=10". The texts are hostile. What is
// wrong with it is a sentence in fault(), whose hostile parts are escaped: a handler asks for all that it
// wants first. A plain value.
class Query {
 public:
  // A name that is not in `known`, or that stands there twice, is a fault.
  Query(std::string_view text, const std::vector<std::string_view>& known);

  // Empty values are none.
  std::optional<std::string> text(const std::string& name) const;
  std::uint64_t number(const std::string& name, std::uint64_t usual, std::uint64_t first, std::uint64_t last);
  bool flag(const std::string& name);  // "1" or "0"
  // In milliseconds since 1970; spans are before `now`.
  std::optional<std::int64_t> time(const std::string& name, std::int64_t now);
  // A text that must be one of these; the first of them where it is missing.
  std::string choice(const std::string& name, std::initializer_list<std::string_view> words);
  // The same; nothing where it is missing.
  std::optional<std::string> one_of(const std::string& name, const std::vector<std::string_view>& words);
  void refuse(std::string fault);

  const std::string& fault() const { return fault_; }

 private:
  std::map<std::string, std::string> values_;
  std::string fault_;
};

}  // namespace server
