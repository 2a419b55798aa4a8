#pragma once
#include <cstddef>
#include <string>
#include <system_error>

namespace server {

// Standard input, output and error, if whoever started us closed them, lead nowhere: or the next file that is
// opened would take their place, and messages would be written into it. First of all.
void hold_standard_streams();

// What a server needs of its process and a command does not: room for descriptors, memory given back, signals
// that do not end it, and no core or debugger that shows its memory. Before any thread is started, and after
// root was given up, which would undo some of it.
void prepare_process();

// Why there is no descriptor for another client, and what to do where that is a limit of this process.
std::string no_descriptor_text(std::error_code error);

// To the system, what was freed after a rush: by itself the allocator keeps whatever lies below something
// that is still used. Takes milliseconds: for a worker.
void give_memory_back();

// What the service manager that started us wants to know. Does nothing when there is none.
void tell_ready();
void tell_stopping();
// The manager reads our stderr as its journal, and adds the time itself.
bool stderr_is_journal();

}  // namespace server
