#include "server/os/port_claim.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace server {

void claim_port(SocketHandle socket, bool tcp, error_code& error) {
  const int yes = 1;
  if (tcp && ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
    error.assign(errno, boost::system::system_category());
}

}  // namespace server
