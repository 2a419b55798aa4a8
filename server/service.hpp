#pragma once
#include <string_view>

namespace server {

// What a server needs of its process and a command does not: room for descriptors, memory given back, and
// signals that do not end it.
void prepare_process();

// To the system, what was freed after a rush: by itself the allocator keeps whatever lies below something
// that is still used. Takes milliseconds: for a worker.
void give_memory_back();

// What the service manager that started us wants to know. Does nothing when there is none.
void tell_ready();
void tell_stopping();
// The manager reads our stderr as its journal, and adds the time itself.
bool stderr_is_journal();

}  // namespace server
