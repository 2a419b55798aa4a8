#include "server/os/port_claim.hpp"

#include "server/os/winsock.hpp"

namespace server {

void claim_port(SocketHandle socket, bool, error_code& error) {
  if (!set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, DWORD{1}))
    error.assign(::WSAGetLastError(), boost::system::system_category());
}

}  // namespace server
