#pragma once
#include "storage/files/file.hpp"

namespace storage {

// The token of a process that reads archives. Each open asks twice, once for who the process is and once for
// the token's restricting SIDs: there is one alone, "nobody", which no file, no key, no socket and no process
// lets in. With it a process could not even load its libraries, so its first thread has the second token,
// which may what we may, until confine_reader() gives that up. Any thread.
struct ReaderTokens {
  Handle process, first_thread;
};

// Throws std::system_error.
ReaderTokens make_reader_tokens();

}  // namespace storage
