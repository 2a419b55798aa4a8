#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conf/settings.hpp"
#include "server/loop/net.hpp"

namespace server {

// A port that cannot be used, in one sentence that says which, why, and the two ways out.
struct ListenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Open sockets for each address that the configuration names.
struct Listeners {
  std::vector<udp::socket> tftp;
  std::vector<tcp::acceptor> ssh;
  std::vector<std::string> notes;  // what was done otherwise than asked, and why
};

// Where the addresses come from: a port that the administrator chose is not replaced by another, the built-in
// 69 and 22 are, by 6969 and 2222, so that a first run on a terminal, without rights, works.
struct ListenPlan {
  std::vector<conf::Endpoint> tftp, ssh;
  bool tftp_chosen = false, ssh_chosen = false;
};

// Throws ListenError.
Listeners listen(net::io_context& loop, const ListenPlan& plan);

std::string text_of(const udp::endpoint& endpoint);  // "[::1]:69"
std::string text_of(const tcp::endpoint& endpoint);

}  // namespace server
