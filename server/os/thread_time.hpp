#pragma once
#include <chrono>

namespace server {

// The CPU time that the calling thread has used. A system call: not for each packet.
std::chrono::nanoseconds thread_time();

}  // namespace server
