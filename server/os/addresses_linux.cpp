#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "server/os/addresses.hpp"

namespace server {

std::vector<net::ip::address> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, ::freeifaddrs);
  std::vector<net::ip::address> addresses;
  for (const auto* i = first; i; i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (i->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(i->ifa_addr);
      const net::ip::address address(net::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
      if (!is_link_local(address)) addresses.push_back(address);
    } else if (i->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(i->ifa_addr);
      net::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
      if (const net::ip::address_v6 address(bytes); !address.is_link_local()) addresses.emplace_back(address);
    }
  }
  return addresses;
}

unsigned index_of_interface(const std::string& name) { return ::if_nametoindex(name.c_str()); }

}  // namespace server
