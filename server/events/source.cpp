#include "server/events/source.hpp"

#include "server/loop/client_network.hpp"

namespace server {

std::string log_source(const std::string& client) {
  if (client.find(':') == client.npos) return client;
  error_code error;
  const auto address = net::ip::make_address_v6(client, error);
  if (error || address.is_link_local()) return client;
  if (address.is_v4_mapped()) return net::ip::make_address_v4(net::ip::v4_mapped, address).to_string();
  return client_network(address).to_string() + "/64";
}

}  // namespace server
