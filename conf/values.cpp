#include "conf/values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "conf/findings.hpp"

namespace conf {
namespace {

std::uint64_t count_of(std::chrono::seconds duration) { return static_cast<std::uint64_t>(duration.count()); }
std::uint64_t count_of(std::uint64_t number) { return number; }

// Collects the values, in the order of the rows.
struct Collector {
  std::vector<KeyValue>& values;
  std::string path = {};

  void add(std::string_view key, std::string value, Takes takes) {
    values.push_back({key_path(path, key), std::move(value), takes});
  }
  void flag(std::string_view key, bool value, Takes takes) { add(key, value ? "true" : "false", takes); }
  template <class T>
  void number(std::string_view key, std::uint64_t, std::uint64_t, const T& value, Takes takes) {
    add(key, std::to_string(count_of(value)), takes);
  }
  void size(std::string_view key, const Kind<std::uint64_t>&, std::uint64_t value, Takes takes) {
    add(key, std::to_string(value), takes);
  }
  void size_or_null(std::string_view key, const Kind<std::uint64_t>&,
                    const std::optional<std::uint64_t>& value, Takes takes) {
    add(key, value ? std::to_string(*value) : "", takes);
  }
  template <class T>
  void text(std::string_view key, const Kind<T>&, const T& value, Takes takes) {
    add(key, text_of(value), takes);
  }
  template <class T>
  void text_or_null(std::string_view key, const Kind<T>&, const std::optional<T>& value, Takes takes) {
    add(key, value ? text_of(*value) : "", takes);
  }
  template <class T, std::size_t n>
  void choice(std::string_view key, const Name<T> (&names)[n], const T& value, Takes takes) {
    add(key, std::string(name_of(value, names)), takes);
  }
  template <class T>
  void list(std::string_view key, const Kind<T>&, const std::vector<T>& values_of_key, Takes takes) {
    std::vector<std::string> texts;
    for (const auto& value : values_of_key) texts.push_back(text_of(value));
    add(key, fmt::format("{}", texts), takes);
  }
  template <class T, class Pair>
  void mapping(std::string_view key, const Kind<T>&, const std::vector<Pair>& pairs, Takes takes) {
    std::vector<std::string> texts;
    for (const auto& [from, to] : pairs) texts.insert(texts.end(), {text_of(from), text_of(to)});
    add(key, fmt::format("{}", texts), takes);
  }
  void users(std::string_view, const std::vector<User>&) {}  // they are read again at each login
  template <class T>
  void section(std::string_view key, const T& section) {
    Collector inner{values, key_path(path, key)};
    keys(inner, section);
  }
};

}  // namespace

std::vector<KeyValue> values_of(const Settings& settings) {
  std::vector<KeyValue> values;
  Collector collector{values};
  keys(collector, settings);
  return values;
}

}  // namespace conf
