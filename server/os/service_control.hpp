#pragma once
// Windows alone: what an administrator does with the service apdepot.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace server {

// All of these throw std::system_error with a sentence, and may wait for the Service Control Manager.

// What install_service() is to make.
struct ServiceWanted {
  std::vector<std::string> words;        // of the command line, after the program's name
  std::filesystem::path depot, config;   // given to the service's account; `config` only to read
  std::chrono::seconds stopping;         // what a stop takes at most
  std::vector<std::uint16_t> tcp_ports;  // that the firewall is to let in
};
// Makes the service, or changes the one that is there: it runs as NT SERVICE\apdepot, which has no other
// right than to pass through folders, starts some time after the host, and again after a crash. The depot
// becomes its own and the administrators', the event log knows its messages, no report of a crash is kept,
// and the firewall lets in what comes for this program over UDP and to those TCP ports. What an older Windows
// refuses of this comes back, a sentence each.
std::vector<std::string> install_service(const ServiceWanted& wanted);
// Stops it first. The depot stays as it is.
void remove_service();

// These three return when it is done; start_service() throws where the service ends meanwhile.
void start_service();
void stop_service();  // does nothing where it does not run
void reload_service();

// What the SCM says of the service; the words are ours.
struct ServiceState {
  bool installed = false;
  std::string state;  // "running"
  std::uint32_t process = 0;
  std::string account, command_line;
  bool automatic = false;  // starts with the host
  bool running() const { return state == "running"; }
};
ServiceState service_state();

}  // namespace server
