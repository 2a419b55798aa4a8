#pragma once
// For *_windows.cpp alone.
#include <cstdint>
#include <optional>
#include <vector>

#include "server/os/winsock.hpp"
// After winsock.hpp: it needs winsock2.h.
#include <iphlpapi.h>

namespace server {

// The network interfaces of this host. To ask for them takes milliseconds.
class Adapters {
 public:
  Adapters();
  const IP_ADAPTER_ADDRESSES* first() const { return first_; }  // null where Windows does not tell

 private:
  std::vector<std::uint64_t> room_;
  const IP_ADAPTER_ADDRESSES* first_ = nullptr;
};

inline bool is_up(const IP_ADAPTER_ADDRESSES& adapter) {
  return adapter.OperStatus == IfOperStatusUp && adapter.IfType != IF_TYPE_SOFTWARE_LOOPBACK;
}

// Without its interface. Nothing for an address that is not of IP.
std::optional<net::ip::address> address_in(const SOCKET_ADDRESS& address);

}  // namespace server
