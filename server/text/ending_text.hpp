#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace protocols {
enum class Cause : std::uint8_t;
enum class EndedBy : std::uint8_t;
}  // namespace protocols

namespace server {

namespace event {
enum class Protocol;
struct TransferEnded;
}  // namespace event

// The end of a transfer in words, for whoever tells of it: the log's two formats, later a page. Pure; any
// thread.

// One line without its tag, whatever a client sent: what happened, to which file and client, who ended it and
// why, the figures, and what to do about it where something can be done.
std::string ending_text(const event::TransferEnded& ended);
// The last part alone: setting names included. Empty: nothing is to be done, or nobody knows what.
std::string remedy_of(const event::TransferEnded& ended);
// An administrator should look at it: neither a file that arrived, nor what clients usually do.
bool is_trouble(const event::TransferEnded& ended);
// "whole"; "partly", which is all that the client wanted; or "broke_off".
std::string_view outcome_of(const event::TransferEnded& ended);

// As JSON has them.
std::string_view word(protocols::EndedBy by);
std::string_view word(protocols::Cause cause);
std::string_view word(event::Protocol protocol);
// The protocol of that word(); nothing for any other.
std::optional<event::Protocol> protocol_of(std::string_view word);

}  // namespace server
