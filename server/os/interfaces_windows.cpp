#include "server/os/interfaces.hpp"

#include <algorithm>
#include <limits>

#include "server/os/adapters.hpp"
#include "server/os/wide.hpp"

namespace server {

std::vector<Interface> own_interfaces() {
  const Adapters adapters;
  std::vector<Interface> interfaces;
  for (const auto* i = adapters.first(); i; i = i->Next) {
    if (!is_up(*i)) continue;
    Interface found{narrow(i->FriendlyName ? i->FriendlyName : L""), {}, {}};
    for (const auto* u = i->FirstUnicastAddress; u; u = u->Next)
      if (const auto address = address_in(u->Address)) found.addresses.push_back(*address);
    if (i->Mtu > 0 && i->Mtu != std::numeric_limits<ULONG>::max()) found.mtu = i->Mtu;
    if (!found.addresses.empty()) interfaces.push_back(std::move(found));
  }
  std::ranges::sort(interfaces, {}, &Interface::name);
  return interfaces;
}

}  // namespace server
