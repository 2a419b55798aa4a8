#include "conf/kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "conf/endpoint.hpp"
#include "conf/names.hpp"
#include "conf/size.hpp"
#include "storage/files/path_text.hpp"

namespace conf {
namespace {

std::optional<std::string> parse_text(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

std::optional<std::filesystem::path> parse_path(std::string_view text) {
  if (text.empty() || text.starts_with('~')) return std::nullopt;
  return storage::path_of(text);
}

std::string path_advice(std::string_view text) {
  return text.starts_with('~') ? "; \"~\" stands for a home directory in a shell only: write the whole path"
                               : "";
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, port);
  return read.ec == std::errc() && read.ptr == end && port > 0 ? std::optional(port) : std::nullopt;
}

std::optional<PortRange> parse_port_range(std::string_view text) {
  const auto dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto first = parse_port(text.substr(0, dash));
  const auto last = parse_port(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<std::uint64_t> parse_bound(std::string_view text) {
  const auto size = parse_size(text);
  return size && *size > 0 ? size : std::nullopt;
}

std::optional<std::uint64_t> parse_mebibytes(std::string_view text) {
  const auto size = parse_size(text);
  return size && *size >= 1 << 20 ? size : std::nullopt;
}

// In lower case.
std::optional<std::string> parse_host_name(std::string_view text) {
  constexpr std::size_t longest = 253;
  if (text.empty() || text.size() > longest || text.front() == '.' || text.front() == '-') return {};
  std::string name;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-') return {};
    name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

// What else there is to say about "10.1.2.3/8".
std::string network_meant(std::string_view text) {
  const auto network = network_around(text);
  return network ? fmt::format("; the network is {:?}", network->text()) : "";
}

std::optional<storage::Path> parse_virtual_path(std::string_view text) {
  const auto path = storage::Path::parse(text, storage::AboveRoot::refused);
  return text.starts_with('/') && path ? std::optional(*path) : std::nullopt;
}

std::optional<std::string> parse_layout(std::string_view text) {
  if (text.starts_with('/') || text.find("..") != text.npos || text.find('\\') != text.npos)
    return std::nullopt;
  if (text.find("{release}") == text.npos) return std::nullopt;
  for (auto rest = text; !rest.empty();) {
    const auto brace = std::min(rest.find_first_of("{}"), rest.size());
    rest.remove_prefix(brace);
    const auto placeholder = rest.substr(0, rest.find('}') + 1);
    if (!rest.empty() && placeholder != "{product}" && placeholder != "{release}") return std::nullopt;
    rest.remove_prefix(placeholder.size());
  }
  return std::string(text);
}

std::optional<LogDestination> parse_destination(std::string_view text) {
  constexpr std::string_view prefix = "file:";
  if (text.starts_with(prefix) && text.size() > prefix.size()) {
    const auto file = parse_path(text.substr(prefix.size()));
    return file ? std::optional(LogDestination{LogTarget::file, *file}) : std::nullopt;
  }
  const auto* found = std::ranges::find(log_targets, text, &Name<LogTarget>::first);
  if (found == std::end(log_targets)) return std::nullopt;
  return LogDestination{found->second, {}};
}

std::string http_endpoint_advice(std::string_view text) {
  const auto mark = text.find("://");
  return endpoint_advice(mark == text.npos ? text : text.substr(mark + 3));
}

}  // namespace

const Kind<std::filesystem::path> file_path{"a path, such as /srv/apdepot/depot", parse_path, path_advice};
const Kind<Endpoint> endpoint{
    "\"ADDRESS:PORT\" in quotes, such as \"0.0.0.0:69\" or \"[::]:69\" (an address, never a name; port 0 to "
    "65535)",
    parse_endpoint, endpoint_advice};
const Kind<HttpEndpoint> http_endpoint{
    "\"ADDRESS:PORT\" in quotes, such as \"0.0.0.0:80\", or \"https://0.0.0.0:443\" (an address, never a "
    "name; "
    "port 0 to 65535)",
    parse_http_endpoint, http_endpoint_advice};
const Kind<PortRange> port_range{"\"FIRST-LAST\", such as \"49152-49251\", within 1 to 65535, or null",
                                 parse_port_range};
const Kind<std::uint64_t> size_bound{
    "a size of at least 1 byte: a number of bytes, or with KiB, MiB, GiB or TiB, such as 16GiB", parse_bound};
const Kind<std::uint64_t> rekey_bound{
    "a size of at least 1MiB: a number of bytes, or with KiB, MiB, GiB or TiB, such as 1GiB, or null",
    parse_mebibytes};
const Kind<std::uint64_t> log_bound{
    "a size of at least 1MiB: a number of bytes, or with KiB, MiB, GiB or TiB, such as 100MiB",
    parse_mebibytes};
const Kind<std::string> account_name{"the name of a user of this host, or null", parse_text};
const Kind<Network> network{
    "a network or one address, such as \"192.0.2.0/24\", \"2001:db8::/32\" or \"192.0.2.7\"", parse_network,
    network_meant};
const Kind<std::string> host_name{"a host name such as \"images.corp.example\", without a port",
                                  parse_host_name};
const Kind<storage::Path> virtual_path{
    "an absolute path without backslash or colon, such as \"/EWC/17_9_4a\"", parse_virtual_path};
const Kind<EarlyDrop> early_drop{
    "\"START:RATE:FULL\", such as \"100:30:300\": START to FULL connections within 1 to 1000000, RATE in "
    "percent",
    parse_early_drop};
const Kind<std::string> layout{
    "a relative path with {release} and, if you like, {product}, such as \"{product}/{release}\"",
    parse_layout};
const Kind<LogDestination> log_destination{
    "auto, stderr, journal, syslog or file:PATH, where PATH is whole and without \"~\"", parse_destination};

std::string text_of(const PortRange& range) { return fmt::format("{}-{}", range.first, range.last); }

std::string text_of(const LogDestination& destination) {
  if (destination.target == LogTarget::file) return "file:" + storage::utf8_of(destination.file);
  return std::string(name_of(destination.target, log_targets));
}

}  // namespace conf
