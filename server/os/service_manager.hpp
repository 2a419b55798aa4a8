#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace server {

// Standard input, output and error, if whoever started us closed them, lead nowhere: or the next file that is
// opened would take their place, and messages would be written into it. What is written there leaves as it
// is: Windows would write "\r\n" for "\n". First of all.
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

// What the service manager that started this process wants to know, as in sd_notify(3). Nothing here waits: a
// manager that does not read misses the message. Does nothing where there is no manager.
bool has_service_manager();
void tell_ready();
void tell_reloading();  // until the next tell_ready()
// It takes `at_most` to end; the manager's own limit may be shorter.
void tell_stopping(std::chrono::seconds at_most);
void tell_status(std::string_view text);  // one line
void tell_alive();
// How often the manager expects tell_alive(); nothing where it expects none.
std::optional<std::chrono::microseconds> watchdog_interval();

// The manager keeps a copy of an open socket until the service is stopped, and hands it over under `name` at
// the next start (server/os/handed_over): requests that come meanwhile wait in it. drop_kept() forgets all of
// that name.
void keep_socket(std::intptr_t handle, const std::string& name);
void drop_kept(const std::string& name);
// Waits until the manager has read all that it was told, at most five seconds: for the start.
void wait_for_manager();
// The log belongs to the manager, as long as nothing else is set: it reads our stderr as its journal and adds
// the time itself. Windows: the event log, for a service has no stderr.
bool stderr_is_journal();
// The host's log gets each line also where log.target names a file. Windows: that of a service.
bool host_log_beside_file();

// Ends the process with status 0, whatever its threads are doing; the manager takes it for a good end.
[[noreturn]] void leave_at_once();

}  // namespace server
