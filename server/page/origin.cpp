#include "server/page/origin.hpp"

#include <algorithm>

#include "server/loop/net.hpp"

namespace server {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_address(const std::string& host) {
  error_code error;
  net::ip::make_address(host, error);
  return !error;
}

// With the port that a URL leaves out.
std::string authority(std::string_view scheme, std::string_view host) {
  const auto suffix = scheme == "https" ? std::string_view(":443") : std::string_view(":80");
  if (host.ends_with(suffix)) host.remove_suffix(suffix.size());
  return lower(host);
}

}  // namespace

std::string host_name_of(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == host.npos) return {};
    const auto rest = host.substr(end + 1);
    if (!rest.empty() && (!rest.starts_with(':') || !is_port(rest.substr(1)))) return {};
    return lower(host.substr(1, end - 1));
  }
  const auto colon = host.find(':');
  if (colon != host.npos && !is_port(host.substr(colon + 1))) return {};
  auto name = lower(host.substr(0, colon));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
  const auto name = host_name_of(host);
  if (name.empty()) return false;
  return name == "localhost" || is_address(name) || std::ranges::find(names, name) != names.end();
}

bool is_own_origin(std::string_view scheme, std::string_view host, std::string_view origin,
                   std::string_view fetch_site) {
  if (!fetch_site.empty() && fetch_site != "same-origin") return false;
  if (origin.empty()) return fetch_site == "same-origin";
  const auto mark = origin.find("://");
  if (mark == origin.npos || origin.substr(0, mark) != scheme) return false;
  return authority(scheme, origin.substr(mark + 3)) == authority(scheme, host);
}

std::string cookie_of(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto pair = header.substr(0, end);
    header.remove_prefix(end == header.npos ? header.size() : end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
  }
  return {};
}

}  // namespace server
