#pragma once
#include "storage/images/device_log.hpp"

namespace storage {

// What the controllers (EWC, Catalyst 9800, AireOS) and access points of Cisco log about images. Pure.
std::optional<LogMessage> read_cisco_log(const LogRecord& record);

}  // namespace storage
