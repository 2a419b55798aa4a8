#pragma once
// For *_windows.cpp alone: what Winsock's calls need. Pure but for the handles; any thread.
#include <system_error>

#include "server/loop/net.hpp"
// After Asio, which has winsock2.h.
#include <mstcpip.h>
#include <mswsock.h>
#include <ws2tcpip.h>

namespace server {

// Equal to std::errc where that has it: libstdc++ compares files' errors with it, but none of Winsock's.
std::error_code socket_error(int number);
// Of the call before, on this thread.
inline std::error_code last_socket_error() { return socket_error(::WSAGetLastError()); }

template <class Value>
bool set_option(SocketHandle socket, int level, int option, const Value& value) {
  return ::setsockopt(socket, level, option, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

// Another handle of a connection, which the caller closes; no_socket where the system has none left.
SocketHandle second_handle(SocketHandle socket) noexcept;

}  // namespace server
