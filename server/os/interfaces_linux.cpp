#include "server/os/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>

#include "storage/files/file.hpp"

namespace server {
namespace {

std::optional<net::ip::address> address_in(const sockaddr* address) {
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return net::ip::address_v4(ntohl(v4->sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return {};
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  net::ip::address_v6::bytes_type bytes;
  std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
  return net::ip::address_v6(bytes);
}

// By a socket, and not by /sys, which shows the network in which it was mounted.
std::optional<std::uint32_t> mtu_of(const std::string& name) {
  const storage::Handle socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (!socket || name.size() >= sizeof request.ifr_name) return {};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0 || request.ifr_mtu <= 0) return {};
  return static_cast<std::uint32_t>(request.ifr_mtu);
}

}  // namespace

std::vector<Interface> own_interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, ::freeifaddrs);
  std::map<std::string, Interface> found;
  for (const auto* i = first; i; i = i->ifa_next) {
    const auto address = address_in(i->ifa_addr);
    if (!address || (i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    found[i->ifa_name].addresses.push_back(*address);
  }
  std::vector<Interface> interfaces;
  for (auto& [name, interface] : found) {
    interface.name = name;
    interface.mtu = mtu_of(name);
    interfaces.push_back(std::move(interface));
  }
  return interfaces;
}

}  // namespace server
