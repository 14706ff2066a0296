/* The number type of the engine: float, and double where the gradient is checked against finite differences. */
#ifndef LSNN_BASE_REAL_H
#define LSNN_BASE_REAL_H

#ifndef LSNN_REAL
#define LSNN_REAL float
#endif

typedef LSNN_REAL real;

#endif
