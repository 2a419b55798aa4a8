#include "protocols/http/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocols/http/percent.hpp"

namespace protocols::http {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
  constexpr std::array<std::string_view, 2> schemes{"http://", "https://"};
  for (const auto scheme : schemes) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find('/'), target.size()));
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) return {};
  const auto mark = std::min(target.find('?'), target.size());
  const auto query = target.substr(std::min(mark + 1, target.size()));
  const auto path = target.substr(0, mark);
  return Target{percent_decoded(path).value_or(std::string(path)), std::string(query)};
}

std::string encoded_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (is_plain(c))
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace protocols::http
