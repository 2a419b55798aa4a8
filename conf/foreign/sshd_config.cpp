#include "conf/foreign/sshd_config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/foreign/text.hpp"

namespace conf::foreign {
namespace {

constexpr int deepest = 16;  // as sshd has it
constexpr std::size_t most_settings = 10'000;

// "Keyword argument", or "Keyword=argument".
std::vector<std::string> words_of(std::string_view line) {
  const auto end = line.find_first_of(" \t=");
  if (end == line.npos) return {std::string(line)};
  auto rest = trimmed(line.substr(end));
  if (rest.starts_with('=')) rest = trimmed(rest.substr(1));
  auto words = shell_words(rest);
  const auto comment = std::ranges::find_if(words, [](const auto& word) { return word.starts_with('#'); });
  words.erase(comment, words.end());
  words.insert(words.begin(), std::string(line.substr(0, end)));
  return words;
}

}  // namespace

bool fits_list(const std::vector<std::string>& patterns, std::string_view text) {
  bool fit = false;
  for (const auto& pattern : patterns) {
    const bool against = pattern.starts_with('!');
    if (!fits(std::string_view(pattern).substr(against ? 1 : 0), text)) continue;
    if (against) return false;
    fit = true;
  }
  return fit;
}

SshdConfig::SshdConfig(std::string_view text, Draft& draft) { read(text, "", draft, 0); }

void SshdConfig::read(std::string_view text, const std::string& file, Draft& draft, int depth) {
  for (const auto& [number, line] : lines_of(text)) {
    if (line.starts_with('#')) continue;
    auto words = words_of(line);
    const Place place{file, number};
    const auto keyword = lower(words.front());
    words.erase(words.begin());
    if (settings_.size() >= most_settings) return;
    if (keyword == "match") {
      match_ = static_cast<int>(matches_.size());
      matches_.push_back({std::move(words), place});
      continue;
    }
    if (keyword != "include") {
      settings_.push_back({keyword, std::move(words), place, match_});
      continue;
    }
    for (const auto& word : words) {
      const auto pattern = word.starts_with('/') ? word : "/etc/ssh/" + word;
      for (const auto& included : draft.host.matching(pattern)) {
        const auto inner = draft.host.read(included);
        if (!inner || depth >= deepest) {
          draft.tell(place, fmt::format("Include {}: {}", included, inner ? "too deep" : inner.error()));
          continue;
        }
        const int outer = match_;  // a Match of an included file ends with it
        read(*inner, included, draft, depth + 1);
        match_ = outer;
      }
    }
  }
}

bool SshdConfig::applies(const Match& match, const User& user) const {
  for (std::size_t i = 0; i < match.words.size(); i += 2) {
    const auto kind = lower(match.words[i]);
    if (kind == "all") return match.words.size() == 1;
    if (i + 1 == match.words.size()) return false;
    const auto patterns = parts(match.words[i + 1], ',');
    const auto in_list = [&](const std::string& group) { return fits_list(patterns, group); };
    if (kind == "user" ? !fits_list(patterns, user.name)
                       : kind != "group" || std::ranges::none_of(user.groups, in_list))
      return false;
  }
  return true;
}

const SshdConfig::Setting* SshdConfig::find(std::string_view keyword) const {
  for (const auto& setting : settings_)
    if (setting.match < 0 && setting.keyword == keyword) return &setting;
  return nullptr;
}

// A Match that fits overrides what stands above it for everybody: sshd reads the file once more for the user,
// and then only what stands below such a Match.
const SshdConfig::Setting* SshdConfig::find(std::string_view keyword, const User& user) const {
  for (const auto& setting : settings_) {
    if (setting.match < 0 || setting.keyword != keyword) continue;
    if (applies(matches_[static_cast<std::size_t>(setting.match)], user)) return &setting;
  }
  return find(keyword);
}

}  // namespace conf::foreign
