#pragma once
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/loop/net.hpp"
#include "server/os/addresses.hpp"
#include "server/os/handed_over.hpp"

namespace server {

// A port that cannot be used, in one sentence that says which, why, and the two ways out.
struct ListenError : std::runtime_error {
  ListenError(const std::string& text, bool may_pass) : std::runtime_error(text), passes(may_pass) {}
  bool passes;  // by itself: an interface may get its address later
};

// An open socket, and the address of the configuration that it is for; without one it is the service
// manager's, and stays whatever the configuration says.
template <class Socket>
struct Listener {
  std::optional<conf::Endpoint> wanted;
  Socket socket;
};

// Open sockets for each address that the configuration names.
struct Listeners {
  std::vector<Listener<udp::socket>> tftp;
  std::vector<Listener<tcp::acceptor>> ssh, http, https;
  std::vector<Listener<udp::socket>> syslog;
  std::vector<tcp::acceptor> page;
  std::vector<std::string> notes;  // what was done otherwise than asked, and why
};

// Where the addresses come from: a port that the administrator chose is not replaced by another, the built-in
// 69 and 22 are, by 6969 and 2222, so that a first run on a terminal, without rights, works.
struct ListenPlan {
  std::vector<conf::Endpoint> tftp, ssh, http, https, syslog;
  bool tftp_chosen = false, ssh_chosen = false;
  std::vector<conf::Endpoint>
      page{};  // one that cannot be opened is a note: devices get their files all the same
};

// What the sockets of a service are called: the configuration's key, and what the service manager hands over,
// by its unit, or by keep_socket().
struct TftpNames {
  using Protocol = udp;
  static constexpr bool is_udp = true;
  static constexpr auto key = "tftp.listen", given = "apdepot-tftp", kept = "apdepot-tftp-kept",
                        unit = "apdepot-tftp.socket", word = "UDP", service = "TFTP", flag = "--tftp";
  static constexpr std::uint16_t fallback = 6969;  // 0: there is none
};
struct SshNames {  // of SFTP and SCP
  using Protocol = tcp;
  static constexpr bool is_udp = false;
  static constexpr auto key = "ssh.listen", given = "apdepot-ssh", kept = "apdepot-ssh-kept",
                        unit = "apdepot-ssh.socket", word = "TCP", service = "SFTP", flag = "--ssh";
  static constexpr std::uint16_t fallback = 2222;
};
struct HttpNames {  // of images
  using Protocol = tcp;
  static constexpr bool is_udp = false;
  static constexpr auto key = "http.listen", given = "apdepot-http", kept = "apdepot-http-kept",
                        unit = "apdepot-http.socket", word = "TCP", service = "HTTP", flag = "";
  static constexpr std::uint16_t fallback = 0;
};
struct HttpsNames {  // of images, with TLS
  using Protocol = tcp;
  static constexpr bool is_udp = false;
  static constexpr auto key = "http.listen", given = "apdepot-https", kept = "apdepot-https-kept",
                        unit = "apdepot-https.socket", word = "TCP", service = "HTTPS", flag = "";
  static constexpr std::uint16_t fallback = 0;
};
struct SyslogNames {  // of what controllers send of their logs
  using Protocol = udp;
  static constexpr bool is_udp = true;
  static constexpr auto key = "syslog.listen", given = "apdepot-syslog", kept = "apdepot-syslog-kept",
                        unit = "apdepot-syslog.socket", word = "UDP", service = "syslog", flag = "";
  static constexpr std::uint16_t fallback = 0;
};

// Opens what `plan` says, but for what was handed over. Throws ListenError.
Listeners listen(net::io_context& loop, const ListenPlan& plan, std::vector<HandedOver> handed_over);

// One more socket; nothing and the reason in `error` where it cannot be opened.
std::optional<udp::socket> open_listener(net::io_context& loop, const udp::endpoint& endpoint,
                                         error_code& error);
std::optional<tcp::acceptor> open_listener(net::io_context& loop, const tcp::endpoint& endpoint,
                                           error_code& error);
// At an address of the configuration.
template <class Names>
auto open_listener(net::io_context& loop, const conf::Endpoint& endpoint, error_code& error) {
  const auto address = address_of(endpoint, error);
  const typename Names::Protocol::endpoint place(address, endpoint.port);
  return error ? decltype(open_listener(loop, place, error))() : open_listener(loop, place, error);
}
// A host without IPv6 serves by IPv4, where one of `wanted` says so.
bool may_be_missed(const conf::Endpoint& endpoint, const error_code& error,
                   const std::vector<conf::Endpoint>& wanted);
// Why `endpoint` cannot be used, and the first way out.
template <class Names>
std::string listen_failure(const conf::Endpoint& endpoint, const error_code& error);

std::string text_of(const udp::endpoint& endpoint);  // "[::1]:69"
std::string text_of(const tcp::endpoint& endpoint);

}  // namespace server
