#include "server/os/adapters.hpp"

#include <algorithm>
#include <iterator>

namespace server {
namespace {

constexpr ULONG usual_size = 16'384;
constexpr int most_tries = 4;  // while interfaces come

}  // namespace

Adapters::Adapters() {
  ULONG size = usual_size;
  for (int tries = 0; tries < most_tries; ++tries) {
    room_.resize(size / sizeof room_[0] + 1);
    auto* const first = reinterpret_cast<IP_ADAPTER_ADDRESSES*>(room_.data());
    const auto error = ::GetAdaptersAddresses(
        AF_UNSPEC, GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER, nullptr, first,
        &size);
    if (error == NO_ERROR) first_ = first;
    if (error != ERROR_BUFFER_OVERFLOW) return;
  }
}

std::optional<net::ip::address> address_in(const SOCKET_ADDRESS& address) {
  const auto* const any = address.lpSockaddr;
  if (!any) return {};
  if (any->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(any);
    return net::ip::address_v4(ntohl(v4->sin_addr.s_addr));
  }
  if (any->sa_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(any);
  net::ip::address_v6::bytes_type bytes;
  std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
  return net::ip::address_v6(bytes);
}

}  // namespace server
