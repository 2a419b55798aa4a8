#include "server/os/adapters.hpp"
#include "server/os/addresses.hpp"
#include "server/os/wide.hpp"

namespace server {

std::vector<net::ip::address> own_addresses() {
  const Adapters adapters;
  std::vector<net::ip::address> addresses;
  for (const auto* i = adapters.first(); i; i = i->Next) {
    if (!is_up(*i)) continue;
    for (const auto* u = i->FirstUnicastAddress; u; u = u->Next) {
      const auto address = address_in(u->Address);
      if (address && !is_link_local(*address)) addresses.push_back(*address);
    }
  }
  return addresses;
}

// By the name that Windows shows: "Ethernet 2".
unsigned index_of_interface(const std::string& name) {
  NET_LUID id{};
  NET_IFINDEX index = 0;
  if (::ConvertInterfaceAliasToLuid(wide(name).c_str(), &id) != NO_ERROR) return 0;
  return ::ConvertInterfaceLuidToIndex(&id, &index) == NO_ERROR ? static_cast<unsigned>(index) : 0;
}

}  // namespace server
