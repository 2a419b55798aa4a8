#pragma once
#include "conf/foreign/sshd_config.hpp"

namespace conf::foreign {

// The keys ssh.kex, host_key_algorithms, ciphers and macs.
void read_algorithms(const SshdConfig& config, Draft& draft);

}  // namespace conf::foreign
