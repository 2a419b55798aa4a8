#include "conf/foreign/map_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "conf/foreign/readers.hpp"
#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

// OPERATORS REGEX [REPLACEMENT]: blanks in the two are written "\ ".
struct Rule {
  std::string_view operators, regex, replacement;
};

std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  std::size_t end = 0;
  while (end < text.size() && text[end] != ' ' && text[end] != '\t')
    end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<Rule> parse_rule(std::string_view line) {
  Rule rule;
  rule.operators = take_word(line);
  rule.regex = take_word(line);
  rule.replacement = take_word(line);
  if (rule.replacement.starts_with('#')) rule.replacement = {};
  const bool letters = std::ranges::all_of(rule.operators, [](char c) {
    return std::string_view("rgiaesxcGPEj46~").find(c) != std::string_view::npos;
  });
  if (!letters || rule.operators.empty() || rule.operators.size() > 8 || rule.regex.empty())
    return std::nullopt;
  return rule;
}

// The text that a regular expression stands for; nothing if it stands for more than one.
std::optional<std::string> literal(std::string_view regex) {
  std::string text;
  for (std::size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    if (std::string_view(".*+?[](){}|^$").find(c) != std::string_view::npos) return std::nullopt;
    if (c != '\\') {
      text += c;
      continue;
    }
    if (++i == regex.size()) return std::nullopt;
    const char escaped = regex[i];
    if ((escaped >= 'a' && escaped <= 'z') || (escaped >= 'A' && escaped <= 'Z') ||
        (escaped >= '0' && escaped <= '9'))
      return std::nullopt;
    text += escaped;
  }
  return text;
}

std::string absolute(std::string_view path) {
  return path.starts_with('/') ? std::string(path) : "/" + std::string(path);
}

// A name below the folder that was served, as apdepot names it.
std::string without_folder(std::string path, std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  if (folder.empty() || !path.starts_with(folder)) return path;
  const auto rest = path.substr(folder.size());
  return rest.empty() ? "/" : rest.starts_with('/') ? rest : path;
}

// "^/tftpboot/" to "/EWC/": a beginning that ends where a component does, on both sides or on none.
bool is_prefix(std::string_view from, std::string_view to) {
  return from.empty() || from.ends_with('/') == to.ends_with('/');
}

// The sentence about a rule that apdepot does not need; empty where it needs the rule.
std::string_view done_already(const Rule& rule) {
  const auto has = [&](char letter) { return rule.operators.find(letter) != std::string_view::npos; };
  if (has('a'))
    return "apdepot serves nothing outside its images/, and has no other rule that refuses a name";
  if (rule.regex == "\\\\" && rule.replacement == "/") return "lookup.forgiving does that";
  if (rule.regex == "^[^/]" && (rule.replacement == "/\\0" || rule.replacement.ends_with("/\\0")))
    return "a name without a slash in front is looked for below images/ anyway";
  return {};
}

void read_rule(const Place& place, std::string_view line, std::string_view folder, Draft& draft) {
  const auto rule = parse_rule(line);
  if (!rule) return draft.tell(place, fmt::format("\"{}\" is not a rule of a map file, and left out", line));
  if (const auto why = done_already(*rule); !why.empty())
    return draft.tell(place, fmt::format("{} {}: {}", rule->operators, rule->regex, why));
  auto regex = rule->regex;
  const bool whole_name = regex.ends_with('$') && !regex.ends_with("\\$");
  if (whole_name) regex.remove_suffix(1);
  const bool anchored = regex.starts_with('^');
  if (anchored) regex.remove_prefix(1);
  const auto from = literal(regex);
  const auto to = rule->replacement.find('\\') == rule->replacement.npos
                      ? std::optional(std::string(rule->replacement))
                      : std::nullopt;
  // "~": where the pattern does not fit.
  const bool replaces =
      rule->operators.find('r') != rule->operators.npos && rule->operators.find('~') == rule->operators.npos;
  if (!replaces || !anchored || !from || !to || (!whole_name && !is_prefix(*from, *to)) ||
      (from->empty() && to->empty()))
    return draft.tell(place,
                      fmt::format("{} {} {}: lookup.aliases replaces the beginning of a path, by whole "
                                  "folders, and knows no patterns: left out",
                                  rule->operators, rule->regex, rule->replacement));
  if (rule->operators.find_first_of("GP46") != rule->operators.npos)
    draft.tell(place, fmt::format("{}: lookup.aliases applies to all clients, and to what they send as well",
                                  rule->operators));
  draft.alias(place, without_folder(absolute(*from), folder), without_folder(absolute(*to), folder));
}

void read(std::string_view text, const std::string&, Draft& draft) {
  read_map(text, "", "", draft);
  draft.tell({},
             "a map file says nothing about ports and folders: `apdepot config from` the file with "
             "in.tftpd's options reads the map file that is named there as well");
}

int likeness(std::string_view text) {
  int count = 0, others = 0;
  for (const auto& [number, line] : lines_of(text)) {
    if (line.starts_with('#')) continue;
    const auto rule = parse_rule(line);
    ++(rule && rule->operators.find_first_of("ra") != rule->operators.npos ? count : others);
  }
  return count > others ? count : 0;
}

}  // namespace

void read_map(std::string_view text, const std::string& file, std::string_view folder, Draft& draft) {
  for (const auto& [number, line] : lines_of(text))
    if (!line.starts_with('#')) read_rule({file, number}, line, folder, draft);
  if (draft.settings.lookup.aliases.size() > 1)
    draft.tell({file, 0},
               "these rules apply one after the other there; of lookup.aliases the longest beginning "
               "that fits applies, once");
}

const Reader map_file{"a map file of tftpd-hpa", "*.map", likeness, read};

}  // namespace conf::foreign
