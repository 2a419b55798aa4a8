#pragma once
#include <string>

#include "server/probe/report.hpp"
#include "server/probe/tftp_fetch.hpp"

namespace server::probe {

// What one download over TFTP means by itself. Pure.

// Why it did not bring the whole file.
Cause cause_of(const TftpAnswer& answer);
// What happened, in a sentence. Escaped.
std::string what_of(const TftpAnswer& answer, const TftpQuestion& question);

}  // namespace server::probe
