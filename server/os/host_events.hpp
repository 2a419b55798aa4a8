#pragma once
// For *_windows.cpp alone: what the console and the SCM tell on threads of their own.
#include <windows.h>

namespace server {

// Set when somebody asks this process to end, or to read its configuration again. They live as long as the
// process. Any thread.
HANDLE stop_event();
HANDLE reload_event();

}  // namespace server
