#include "conf/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace conf {
namespace {

int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

// What stands in the file in place of what was wanted.
std::string shown(const YAML::Node& node) {
  if (node.IsNull()) return "empty";
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "keys with values";
  constexpr std::size_t longest = 60;
  const auto& text = node.Scalar();
  return fmt::format("{:?}{}", std::string_view(text).substr(0, longest), text.size() > longest ? "..." : "");
}

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Section::Section(const YAML::Node& node, std::string path, int line, Findings& findings, bool concealed)
    : path_(std::move(path)), line_(line), concealed_(concealed), findings_(findings) {
  if (!node.IsMap()) return;
  for (const auto& entry : node) add(entry.first, entry.second);
}

void Section::add(const YAML::Node& key, const YAML::Node& node) {
  const int line = line_of(key);
  if (!key.IsScalar()) return error_at(line, "a key must be a plain word");
  const auto* first = find(key.Scalar());
  if (!first || may_be_half_a_secret(node)) {
    entries_.push_back({key.Scalar(), line, node});
  } else {
    findings_.error(line, fmt::format("{} is given twice; it stands in line {} already",
                                      key_path(path_, key.Scalar()), first->line));
  }
}

// "{password_hash: a,b}" and "password_hash:b" make keys with nothing after them.
bool Section::may_be_half_a_secret(const YAML::Node& node) const { return concealed_ && node.IsNull(); }

const Section::Entry* Section::find(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  return found == entries_.end() ? nullptr : &*found;
}

std::optional<Section::Value> Section::take(std::string_view key) {
  findings_.known(path_, key);
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  if (found == entries_.end()) return std::nullopt;
  found->known = true;
  return Value{key_path(path_, key), found->line, found->node};
}

std::vector<Section::Value> Section::items(const Value& list) {
  std::vector<Value> items;
  if (!list.node.IsSequence()) reject_shape(list, "a list in brackets or with dashes, [] for none");
  if (!list.node.IsSequence()) return items;
  for (const auto& node : list.node) {
    items.push_back({fmt::format("{}[{}]", list.path, items.size()), line_of(node), node});
  }
  return items;
}

void Section::flag(std::string_view key, bool& out) {
  const auto value = take(key);
  if (!value) return;
  const bool is_true = value->node.IsScalar() && value->node.Scalar() == "true";
  const bool is_false = value->node.IsScalar() && value->node.Scalar() == "false";
  if (is_true || is_false) {
    out = is_true;
  } else {
    reject(*value, "true or false");
  }
}

std::optional<std::uint64_t> Section::whole_number(std::string_view key, std::uint64_t low,
                                                   std::uint64_t high) {
  const auto value = take(key);
  if (!value) return std::nullopt;
  if (!value->node.IsScalar() || !is_whole_number(value->node.Scalar())) {
    reject(*value, fmt::format("a whole number from {} to {}", low, high));
    return std::nullopt;
  }
  const auto& text = value->node.Scalar();
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && number >= low && number <= high) return number;
  findings_.error(value->line,
                  fmt::format("{}: {:.40} is out of range {} to {}", value->path, text, low, high));
  return std::nullopt;
}

bool Section::is_section(const Value& value) {
  if (value.node.IsMap() || value.node.IsNull()) return true;
  reject_shape(value, "keys with values, indented below it");
  return false;
}

void Section::reject(const Value& value, std::string_view wanted, std::string_view advice) {
  if (concealed_) return reject_shape(value, wanted);
  findings_.error(value.line,
                  fmt::format("{}: must be {}, not {}{}", value.path, wanted, shown(value.node), advice));
}

// For a value that is wrong whatever its text may be.
void Section::reject_shape(const Value& value, std::string_view wanted) {
  const auto instead = value.node.IsScalar() ? "" : ", not " + shown(value.node);
  findings_.error(value.line, fmt::format("{}: must be {}{}", value.path, wanted, instead));
}

void Section::warn_if(bool condition, std::string_view key, std::string_view text) {
  const auto* entry = find(key);
  if (condition && entry) findings_.warning(entry->line, fmt::format("{}: {}", key_path(path_, key), text));
}

void Section::error(std::string_view key, std::string_view text) {
  const auto* entry = find(key);
  findings_.error(entry ? entry->line : line_, fmt::format("{}: {}", key_path(path_, key), text));
}

void Section::error(std::string_view text) { error_at(line_, text); }

void Section::error_at(int line, std::string_view text) {
  findings_.error(line, path_.empty() ? std::string(text) : fmt::format("{}: {}", path_, text));
}

void Section::end() {
  for (const auto& entry : entries_) {
    if (entry.known) continue;
    if (may_be_half_a_secret(entry.node)) {
      error_at(entry.line,
               "holds a word that is no key; a colon needs a blank after it, and a text with a comma quotes");
    } else {
      findings_.unknown(entry.line, path_, entry.key);
    }
  }
}

}  // namespace conf
