#pragma once

namespace server {

// The calling thread steps behind all others for good: the disk is its own only when nobody else wants it
// (Linux: the idle I/O class), and so is the processor (nice 19). For unpacking beside running transfers.
void be_polite();

}  // namespace server
