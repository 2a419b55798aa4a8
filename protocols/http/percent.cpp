#include "protocols/http/percent.hpp"

#include <charconv>

namespace protocols::http {

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

}  // namespace protocols::http
