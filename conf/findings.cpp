#include "conf/findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "conf/config_error.hpp"
#include "conf/nearest.hpp"

namespace conf {
namespace {

// A key comes from the file, and a message is one line for a terminal.
std::string printable(std::string_view key) {
  constexpr std::size_t longest = 60;
  const bool plain = std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; });
  return plain && !key.empty() && key.size() <= longest ? std::string(key)
                                                        : fmt::format("{:?}", key.substr(0, longest));
}

}  // namespace

std::string key_path(std::string_view section, std::string_view key) {
  return section.empty() ? printable(key) : fmt::format("{}.{}", section, printable(key));
}

void Findings::error(int line, std::string_view text) { errors_.push_back({line, std::string(text)}); }

void Findings::warning(int line, std::string_view text) { warnings_.push_back({line, std::string(text)}); }

void Findings::known(std::string_view section, std::string_view key) {
  known_.push_back({0, std::string(section), std::string(key)});
}

void Findings::unknown(int line, std::string_view section, std::string_view key) {
  unknown_.push_back({line, std::string(section), std::string(key)});
}

std::string Findings::advice(const Key& unknown) const {
  std::vector<std::string> beside, elsewhere;
  for (const auto& key : known_) {
    if (key.section == unknown.section) beside.push_back(key.name);
    // A key of that name in another section: it was not indented, or stands below the wrong one.
    if (key.section != unknown.section && key.name == unknown.name &&
        key.section.find('[') == key.section.npos) {
      elsewhere.push_back(key_path(key.section, key.name));
    }
  }
  if (const auto similar = nearest(unknown.name, beside); !similar.empty()) {
    return fmt::format("did you mean {}?", key_path(unknown.section, similar));
  }
  if (!elsewhere.empty()) return fmt::format("did you mean {}?", fmt::join(elsewhere, " or "));
  return fmt::format("the keys of {} are {}", unknown.section.empty() ? "the file" : unknown.section,
                     fmt::join(beside, ", "));
}

std::vector<std::string> Findings::lines(std::vector<Finding> findings) const {
  std::ranges::stable_sort(findings, {}, &Finding::line);
  findings.erase(std::unique(findings.begin(), findings.end()), findings.end());
  std::vector<std::string> lines;
  for (const auto& [line, text] : findings) {
    lines.push_back(line > 0 ? fmt::format("{}:{}: {}", file_, line, text)
                             : fmt::format("{}: {}", file_, text));
  }
  return lines;
}

std::vector<std::string> Findings::finish() {
  for (const auto& key : unknown_) {
    error(key.line, fmt::format("{} is not a key; {}", key_path(key.section, key.name), advice(key)));
  }
  if (!errors_.empty()) throw ConfigError(lines(errors_));
  return lines(warnings_);
}

}  // namespace conf
