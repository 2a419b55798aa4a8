#include "server/api/query.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "protocols/http/percent.hpp"
#include "server/text/escape.hpp"
#include "server/text/time.hpp"

namespace server {
Query::Query(std::string_view text, const std::vector<std::string_view>& known) {
  while (!text.empty() && fault_.empty()) {  // a hostile text may have thousands
    std::string part(text.substr(0, text.find('&')));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    if (part.empty()) continue;
    std::ranges::replace(part, '+', ' ');
    const auto equals = std::min(part.find('='), part.size());
    const auto name = protocols::http::percent_decoded(std::string_view(part).substr(0, equals));
    auto value =
        protocols::http::percent_decoded(std::string_view(part).substr(std::min(equals + 1, part.size())));
    if (!name || !value) {
      refuse(fmt::format("{} is not percent-encoded", escaped(part)));
    } else if (std::ranges::find(known, *name) == known.end()) {
      refuse(
          fmt::format("{} is not a parameter here; there are: {}", escaped(*name), fmt::join(known, ", ")));
    } else if (!values_.emplace(*name, std::move(*value)).second) {
      refuse(fmt::format("{} stands there twice", escaped(*name)));
    }
  }
}

void Query::refuse(std::string fault) {
  if (fault_.empty()) fault_ = std::move(fault);
}

std::optional<std::string> Query::text(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

std::uint64_t Query::number(const std::string& name, std::uint64_t usual, std::uint64_t first,
                            std::uint64_t last) {
  const auto wanted = text(name);
  if (!wanted) return usual;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(wanted->data(), wanted->data() + wanted->size(), number);
  if (error == std::errc{} && end == wanted->data() + wanted->size() && number >= first && number <= last)
    return number;
  refuse(fmt::format("{}={}: it is a number from {} to {}", name, escaped(*wanted), first, last));
  return usual;
}

bool Query::flag(const std::string& name) {
  const auto wanted = text(name).value_or("0");
  if (wanted != "0" && wanted != "1") refuse(fmt::format("{}={}: it is 0 or 1", name, escaped(wanted)));
  return wanted == "1";
}

std::optional<std::int64_t> Query::time(const std::string& name, std::int64_t now) {
  const auto wanted = text(name);
  if (!wanted) return {};
  auto meant = time_meant(*wanted, now);
  if (!meant)
    refuse(
        fmt::format("{}={}: it is a span such as 30m, 2h, 7d or 2w, or a time in UTC such as 2026-11-28 or "
                    "2026-11-28T02:14",
                    name, escaped(*wanted)));
  return meant;
}

std::string Query::choice(const std::string& name, std::initializer_list<std::string_view> words) {
  return one_of(name, words).value_or(std::string(*words.begin()));
}

std::optional<std::string> Query::one_of(const std::string& name,
                                         const std::vector<std::string_view>& words) {
  auto wanted = text(name);
  if (wanted && std::ranges::find(words, *wanted) == words.end())
    refuse(fmt::format("{}={}: it is one of {}", name, escaped(*wanted), fmt::join(words, ", ")));
  return wanted;
}

}  // namespace server
