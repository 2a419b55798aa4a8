#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "conf/endpoint.hpp"

namespace server {

// What is to be done so that the addresses of one protocol are those of the configuration. Plain values.
struct AddressPlan {
  std::vector<conf::Endpoint> open, close;
  std::vector<std::string> notes;  // what is done otherwise than the configuration says, and why
};

// `key` is the configuration's, tftp.listen, with the addresses `wanted`. The service manager's socket unit
// `unit` has handed over `handed_over`: these are served in any case, and what overlaps with them is not
// opened. `running` are the other addresses that are open already.
AddressPlan plan_addresses(std::string_view key, std::string_view unit,
                           const std::vector<conf::Endpoint>& wanted,
                           const std::vector<conf::Endpoint>& handed_over,
                           const std::vector<conf::Endpoint>& running);

}  // namespace server
