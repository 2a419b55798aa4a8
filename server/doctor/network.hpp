#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "server/doctor/result.hpp"
#include "server/os/interfaces.hpp"

namespace server::doctor {

// How this host is reached. All pure.

// `filters`: net.ipv4.conf.NAME.rp_filter of each interface, and of "all".
Result judge_reverse_path(const std::vector<Interface>& interfaces,
                          const std::map<std::string, std::uint64_t>& filters);
Result judge_mtu(const std::vector<Interface>& interfaces, std::uint16_t max_block_size);
// `gone`: addresses of the configuration that no interface has.
Result judge_address(const std::vector<Interface>& interfaces, const std::vector<conf::Endpoint>& gone);

}  // namespace server::doctor
