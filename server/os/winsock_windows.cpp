#include "server/os/winsock.hpp"

namespace server {

std::error_code socket_error(int number) {
  const error_code error(number, boost::system::system_category());
  const auto condition = error.default_error_condition();
  if (condition.category() == boost::system::generic_category())
    return {condition.value(), std::generic_category()};
  return {number, std::system_category()};
}

// By Winsock's own call: DuplicateHandle() leaves out what Winsock keeps of a socket in the process. Whether
// calls wait is such a thing, and none of ours may.
SocketHandle second_handle(SocketHandle socket) noexcept {
  WSAPROTOCOL_INFOW info{};
  if (::WSADuplicateSocketW(socket, ::GetCurrentProcessId(), &info) != 0) return no_socket;
  const auto second = ::WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                                   WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
  u_long yes = 1;
  if (second != no_socket) ::ioctlsocket(second, static_cast<long>(FIONBIO), &yes);
  return second;
}

}  // namespace server
