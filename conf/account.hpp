#pragma once
#include <vector>

#include "conf/printer.hpp"
#include "conf/section.hpp"
#include "conf/user.hpp"

namespace conf {

// The key `users`, which ssh.users and the users file have in common: its entries, checked.
void read_users(Section& section, std::vector<User>& users);

// Whether password hashes are printed.
enum class Secrets { hidden, written };
void print_users(Printer& printer, const std::vector<User>& users, Secrets secrets);

}  // namespace conf
