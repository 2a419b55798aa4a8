#include "server/http/parameters.hpp"

#include <algorithm>
#include <charconv>

namespace server::http {

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const auto digits = text.substr(i + 1, 2);
    unsigned char value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() < 2 || error != std::errc{} || end != digits.data() + 2) return {};
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

std::optional<std::map<std::string, std::string>> parameters_of(std::string_view query) {
  std::map<std::string, std::string> all;
  while (!query.empty()) {
    const auto end = query.find('&');
    std::string pair(query.substr(0, end));
    query.remove_prefix(end == query.npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    std::ranges::replace(pair, '+', ' ');
    const auto mark = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(std::string_view(pair).substr(0, mark));
    auto value = percent_decoded(std::string_view(pair).substr(std::min(mark + 1, pair.size())));
    if (!name || !value) return {};
    all.insert_or_assign(std::move(*name), std::move(*value));
  }
  return all;
}

}  // namespace server::http
