#pragma once
#include "conf/foreign/sshd_config.hpp"

namespace conf::foreign {

// The accounts that get nothing but SFTP there, with their keys: ssh.users, and a remark for each other one.
void read_accounts(const SshdConfig& config, Draft& draft);

}  // namespace conf::foreign
