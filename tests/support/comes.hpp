#pragma once
#include "server/loop/net.hpp"

namespace test {

// Whether something comes that can be read, or the end. Blocks for at most so many milliseconds.
inline bool comes(server::SocketHandle handle, int at_most = 40'000) {
  server::error_code error;
  return server::net::detail::socket_ops::poll_read(handle, 0, at_most, error) > 0;
}

}  // namespace test
