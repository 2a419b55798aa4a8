#pragma once
#include <string>
#include <vector>

#include "server/os/datagram.hpp"

namespace server {

// A descriptor that the service manager opened, or kept, for this process: sd_listen_fds(3). Owns it.
struct HandedOver {
  std::string name;  // FileDescriptorName= of the socket unit, or what keep_socket() said
  UdpHandle handle;
  bool datagrams = false;  // UDP; else TCP that listens
  bool v6 = false;
  bool both_families = false;  // an IPv6 socket that takes IPv4 too
};

// All that are sockets for datagrams or connections over IP; others are closed. For the start of the process,
// once: what the environment says of them is removed.
std::vector<HandedOver> take_handed_over();

}  // namespace server
