#include "server/log_source.hpp"

#include <algorithm>
#include <cstdint>

#include "server/net.hpp"

namespace server {

std::string log_source(const std::string& client) {
  if (client.find(':') == client.npos) return client;
  error_code error;
  const auto address = net::ip::make_address_v6(client, error);
  if (error || address.is_link_local()) return client;
  auto bytes = address.to_bytes();
  if (address.is_v4_mapped()) return net::ip::make_address_v4(net::ip::v4_mapped, address).to_string();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return net::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace server
