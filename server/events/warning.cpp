#include "server/events/warning.hpp"

#include <array>

namespace server {
namespace {

constexpr std::array<std::string_view, warning_kinds> names{
    "addresses",      "broken_off", "certificate", "configuration", "confinement",   "control_socket",
    "drop_folder",    "history",    "host_keys",   "images",        "imported",      "log",
    "logins",         "metrics",    "page",        "ports",         "ssh_resources", "staging",
    "tftp_resources", "unreadable", "unwritable",  "users"};
static_assert(static_cast<std::size_t>(Warning::users) + 1 == warning_kinds);

}  // namespace

std::string_view warning_name(Warning kind) { return names.at(static_cast<std::size_t>(kind)); }

}  // namespace server
