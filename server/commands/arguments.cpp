#include "server/commands/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace server {

Arguments::Arguments(std::span<char* const> words, std::span<const Flag> known) {
  program_ = words.front();
  bool flags_end = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (flags_end || !word.starts_with('-') || word == "-") {
      words_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      flags_end = true;
      continue;
    }
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto flag = std::ranges::find(known, name, &Flag::name);
    if (flag == known.end()) throw UsageError(fmt::format("{} is not a flag of apdepot", name));
    if (flag->value.empty()) {
      if (equals != std::string_view::npos) throw UsageError(fmt::format("{} takes no value", name));
      flags_.emplace_back(name, "");
    } else if (equals != std::string_view::npos) {
      flags_.emplace_back(name, word.substr(equals + 1));
    } else if (++i < words.size()) {
      flags_.emplace_back(name, words[i]);
    } else {
      throw UsageError(fmt::format("{} needs a value: {} {}", name, name, flag->value));
    }
  }
}

bool Arguments::has(std::string_view flag) const { return value(flag).has_value(); }

std::optional<std::string> Arguments::value(std::string_view flag) const {
  const auto all = values(flag);
  if (all.empty()) return {};
  return all.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : flags_) {
    if (name == flag) found.push_back(value);
  }
  return found;
}

std::string Arguments::take_word(std::string_view what) {
  if (words_.empty()) throw UsageError(fmt::format("{} is missing", what));
  auto word = std::move(words_.front());
  words_.erase(words_.begin());
  return word;
}

void Arguments::expect_no_more() const {
  if (!words_.empty()) throw UsageError(fmt::format("unexpected argument {}", words_.front()));
}

}  // namespace server
