#pragma once
#include "server/loop/net.hpp"

namespace server {

// Before bind(): the port is to be this socket's alone. Linux sees to that by itself, and TCP needs leave to
// have a port where connections of a server before still end. On Windows any program may bind the port once
// more and get its packets, unless this was said; and such a leave would be one to do the same to others.
void claim_port(SocketHandle socket, bool tcp, error_code& error);

}  // namespace server
