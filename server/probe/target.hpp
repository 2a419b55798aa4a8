#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace server::probe {

// What a URL names, as a controller writes it. Percent signs are letters like others: devices do not decode
// them.
struct Target {
  enum class Scheme : std::uint8_t { tftp, sftp, http, https } scheme = Scheme::tftp;
  std::string user;  // SFTP only
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string path;  // with the leading slash, as it goes to the server
};

// "tftp://192.0.2.2/EWC/17_9_4a/ap1g8", "sftp://ewc@[2001:db8::2]:2222/ap1g8"; else why it is not such a URL,
// in a sentence without the URL: it may hold a password. Pure.
std::expected<Target, std::string> parse_target(std::string_view url);

}  // namespace server::probe
