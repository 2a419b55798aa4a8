#include "server/probe/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "protocols/tftp/packet.hpp"

namespace server::probe {
namespace {

using Scheme = Target::Scheme;

struct Known {
  std::string_view name;
  Scheme scheme;
  std::uint16_t port;  // where the URL names none
};
constexpr std::array<Known, 4> schemes{{{"tftp", Scheme::tftp, 69},
                                        {"sftp", Scheme::sftp, 22},
                                        {"http", Scheme::http, 80},
                                        {"https", Scheme::https, 443}}};

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc{} || stopped != end || port == 0) return {};
  return port;
}

// Splits "host", "host:port" or "[address]:port"; false for what is none of them.
bool take_host(std::string_view text, Target& target) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return false;
    target.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    target.host = text.substr(0, colon);
    rest = colon == text.npos ? "" : text.substr(colon);
  }
  if (target.host.empty()) return false;
  if (rest.empty()) return true;
  const auto port = rest.front() == ':' ? port_of(rest.substr(1)) : std::nullopt;
  if (!port) return false;
  target.port = *port;
  return true;
}

std::string user_fault(const Target& target, std::string_view userinfo) {
  if (userinfo.find(':') != userinfo.npos)
    return "a password in a URL stays in the shell's history and in the list of processes: leave it out; "
           "--password-file FILE or the prompt takes it";
  if (target.scheme == Scheme::tftp) return "TFTP has no users: leave the part before the @ out";
  if (target.scheme != Scheme::sftp)
    return "images are fetched without a login: leave the part before the @ out";
  return {};
}

}  // namespace

std::expected<Target, std::string> parse_target(std::string_view url) {
  const auto fault = [](std::string_view text) { return std::unexpected(std::string(text)); };
  constexpr std::string_view mark = "://";
  const auto colon = url.find(mark);
  const auto* const known = std::ranges::find(schemes, url.substr(0, colon), &Known::name);
  Target target;
  if (colon == url.npos) return fault("it is not a URL such as tftp://192.0.2.2/EWC/17_9_4a/ap1g8");
  if (known == schemes.end())
    return fault("apdepot probe takes tftp://, sftp://, http:// and https:// only; for scp:// take scp");
  target.scheme = known->scheme;
  target.port = known->port;
  const auto rest = url.substr(colon + mark.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  auto authority = rest.substr(0, slash);
  target.path = rest.substr(slash);
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    target.user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (auto text = user_fault(target, target.user); !text.empty()) return fault(text);
  }
  if (!take_host(authority, target))
    return fault(
        "its server is not a name or an address with an optional port, 1 to 65535; an IPv6 address "
        "stands in brackets: tftp://[2001:db8::2]/ap1g8");
  if (target.scheme == Scheme::sftp && target.user.empty())
    return fault("the user is missing: sftp://USER@SERVER/PATH");
  if (target.path.size() < 2) return fault("the path of a file is missing after the server");
  // It goes into a request's first line as it is.
  const bool over_http = target.scheme == Scheme::http || target.scheme == Scheme::https;
  if (over_http && std::ranges::any_of(url, [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    return fault("a URL has no blank and no letter beyond ASCII: write them with percent signs, %20");
  if (target.path.size() > tftp::longest_name) return fault("its path is longer than 1024 bytes");
  return target;
}

}  // namespace server::probe
