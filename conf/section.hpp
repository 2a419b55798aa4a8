#pragma once
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/findings.hpp"

namespace conf {

// What a text must be: the words for it in a message, how it is read, and what else there is to say about one
// that cannot be read.
template <class T>
struct Kind {
  std::string_view wanted;
  std::optional<T> (*parse)(std::string_view text);
  std::string (*advice)(std::string_view text) = nullptr;
};

// The spelling of one value of an enumeration.
template <class T>
using Name = std::pair<std::string_view, T>;

// One mapping of a configuration file. A key is read by naming it, once: then it is known, its value is
// checked, and whatever is wrong goes to the findings. A key that is absent or wrong leaves `out` as it was.
// Keys that the file has and that nobody named are unknown.
class Section {
 public:
  // `node` is a mapping, or null: a section with nothing in it. `path` is empty at the top.
  // Nothing that a concealed one holds stands in a message: one of its values is a secret, and a mistake in
  // the YAML may have made it part of its neighbour.
  Section(const YAML::Node& node, std::string path, int line, Findings& findings, bool concealed = false);

  void flag(std::string_view key, bool& out);
  template <class T>
  void number(std::string_view key, std::uint64_t low, std::uint64_t high, T& out) {
    if (const auto value = whole_number(key, low, high)) out = static_cast<T>(*value);
  }
  template <class T, std::size_t n>
  void choice(std::string_view key, const Name<T> (&names)[n], T& out);
  template <class T>
  void text(std::string_view key, const Kind<T>& kind, T& out) {
    if (const auto value = take(key)) read(*value, kind, out);
  }
  template <class T>
  void text_or_null(std::string_view key, const Kind<T>& kind, std::optional<T>& out);
  // A list replaces what was there.
  template <class T>
  void list(std::string_view key, const Kind<T>& kind, std::vector<T>& out);
  // Keys that are the administrator's own, each with a value of the same kind; a Pair is made of the two. It
  // replaces what was there.
  template <class T, class Pair>
  void mapping(std::string_view key, const Kind<T>& kind, std::vector<Pair>& out);
  template <class Out, class Fill>
  void section(std::string_view key, Fill fill, Out& out);
  // A list of concealed sections, without those that are wrong.
  template <class T, class Fill>
  void sections(std::string_view key, Fill fill, std::vector<T>& out);

  // For keys that were read already.
  void warn_if(bool condition, std::string_view key, std::string_view text);
  void error(std::string_view key, std::string_view text);
  // About the section as a whole.
  void error(std::string_view text);
  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::size_t errors() const { return findings_.errors(); }
  // After the last key.
  void end();

 private:
  struct Value {
    std::string path;
    int line;
    YAML::Node node;
  };
  struct Entry {
    std::string key;
    int line;
    YAML::Node node;
    bool known = false;
  };

  void add(const YAML::Node& key, const YAML::Node& node);
  bool may_be_half_a_secret(const YAML::Node& node) const;
  void error_at(int line, std::string_view text);
  const Entry* find(std::string_view key) const;
  std::optional<Value> take(std::string_view key);
  std::vector<Value> items(const Value& list);
  std::optional<std::uint64_t> whole_number(std::string_view key, std::uint64_t low, std::uint64_t high);
  bool is_section(const Value& value);
  void reject(const Value& value, std::string_view wanted, std::string_view advice = "");
  void reject_shape(const Value& value, std::string_view wanted);
  template <class T>
  bool read(const Value& value, const Kind<T>& kind, T& out);

  std::string path_;
  int line_;
  bool concealed_;
  Findings& findings_;
  std::vector<Entry> entries_;
};

template <class T>
bool Section::read(const Value& value, const Kind<T>& kind, T& out) {
  auto parsed = value.node.IsScalar() ? kind.parse(value.node.Scalar()) : std::nullopt;
  if (!parsed) {
    reject(value, kind.wanted, kind.advice && value.node.IsScalar() ? kind.advice(value.node.Scalar()) : "");
    return false;
  }
  out = std::move(*parsed);
  return true;
}

template <class T, std::size_t n>
void Section::choice(std::string_view key, const Name<T> (&names)[n], T& out) {
  const auto value = take(key);
  if (!value) return;
  std::string wanted;
  for (std::size_t i = 0; i < n; ++i) {
    if (value->node.IsScalar() && value->node.Scalar() == names[i].first) {
      out = names[i].second;
      return;
    }
    wanted.append(i == 0 ? "" : i + 1 == n ? " or " : ", ").append(names[i].first);
  }
  reject(*value, wanted);
}

template <class T>
void Section::text_or_null(std::string_view key, const Kind<T>& kind, std::optional<T>& out) {
  const auto value = take(key);
  if (!value) return;
  T found;
  if (value->node.IsNull()) {
    out.reset();
  } else if (read(*value, kind, found)) {
    out = std::move(found);
  }
}

template <class T>
void Section::list(std::string_view key, const Kind<T>& kind, std::vector<T>& out) {
  const auto value = take(key);
  if (!value) return;
  std::vector<T> found;
  for (const auto& item : items(*value)) {
    T element;
    if (read(item, kind, element)) found.push_back(std::move(element));
  }
  out = std::move(found);
}

template <class T, class Pair>
void Section::mapping(std::string_view key, const Kind<T>& kind, std::vector<Pair>& out) {
  const auto value = take(key);
  if (!value || !is_section(*value)) return;
  std::vector<Pair> found;
  Section inner(value->node, value->path, value->line, findings_);
  for (const auto& entry : inner.entries_) {
    T first, second;
    const bool good_key =
        inner.read({"a key of " + value->path, entry.line, YAML::Node(entry.key)}, kind, first);
    const bool good_value =
        inner.read({key_path(value->path, entry.key), entry.line, entry.node}, kind, second);
    if (!good_key || !good_value) continue;
    const auto same = [&first](const Pair& pair) {
      const auto& [known, unused] = pair;
      return known == first;
    };
    if (std::ranges::any_of(found, same)) inner.error(entry.key, "is given twice, in another spelling");
    found.push_back({std::move(first), std::move(second)});
  }
  out = std::move(found);
}

template <class Out, class Fill>
void Section::section(std::string_view key, Fill fill, Out& out) {
  const auto value = take(key);
  const bool present = value && is_section(*value);
  Section inner(present ? value->node : YAML::Node(), key_path(path_, key), present ? value->line : 0,
                findings_);
  fill(inner, out);
  inner.end();
}

template <class T, class Fill>
void Section::sections(std::string_view key, Fill fill, std::vector<T>& out) {
  const auto value = take(key);
  if (!value) return;
  out.clear();
  for (const auto& item : items(*value)) {
    if (!is_section(item)) continue;
    T element;
    const auto mistakes = findings_.mistakes();
    Section inner(item.node, item.path, item.line, findings_, true);
    fill(inner, element);
    inner.end();
    if (findings_.mistakes() == mistakes) out.push_back(std::move(element));
  }
}

}  // namespace conf
