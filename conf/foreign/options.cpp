#include "conf/foreign/options.hpp"

#include <algorithm>

namespace conf::foreign {
namespace {

using Value = Option::Value;

const Option* long_option(std::string_view name, std::span<const Option> known) {
  const Option* found = nullptr;
  for (const auto& option : known) {
    if (option.name == name) return &option;
    if (!option.name.starts_with(name)) continue;
    if (found) return nullptr;
    found = &option;
  }
  return found;
}

}  // namespace

CommandLine parse_options(std::span<const std::string> words, std::span<const Option> known) {
  CommandLine line;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto value_after = [&]() -> std::string { return i + 1 < words.size() ? words[++i] : ""; };
    if (word == "--") {
      line.words.insert(line.words.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word.starts_with("--")) {
      const auto equals = word.find('=');
      const auto* option = long_option(word.substr(2, equals == word.npos ? word.npos : equals - 2), known);
      if (!option) {
        line.options.push_back({nullptr, std::string(word)});
      } else if (equals != word.npos) {
        line.options.push_back({option, std::string(word.substr(equals + 1))});
      } else {
        line.options.push_back({option, option->value == Value::needed ? value_after() : ""});
      }
    } else if (word.starts_with('-') && word.size() > 1) {
      for (std::size_t at = 1; at < word.size(); ++at) {
        const auto option = std::ranges::find(known, word[at], &Option::letter);
        if (option == known.end()) {
          line.options.push_back({nullptr, std::string("-") + word[at]});
          continue;
        }
        std::string value;
        if (option->value != Value::none) {
          value = word.substr(at + 1);
          at = word.size();
          if (value.empty() && option->value == Value::needed) value = value_after();
        }
        line.options.push_back({&*option, std::move(value)});
      }
    } else {
      line.words.emplace_back(word);
    }
  }
  return line;
}

}  // namespace conf::foreign
